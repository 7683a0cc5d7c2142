"""Who answers triplets: one small class per provider, all with the same three methods (see `base`)."""
