"""madoguchi (窓口): the bank side of a credit union's open API."""
