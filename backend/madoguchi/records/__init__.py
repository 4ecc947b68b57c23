"""記録: SQLModel tables and their queries; rows in, facts out."""
