"""Statistics on plain arrays: no database, no tables, no rendering. Each figure carries its n."""
