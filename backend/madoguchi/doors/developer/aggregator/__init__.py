"""An aggregator's side of the protocol: a real OAuth client over loopback, for みほん家計簿 and for GraphiQL."""
