-- Raters can be renamed and removed, triplet sets have names and one is the main one, refits are kept for later references.
CREATE TABLE rater_event (
    rater_id VARCHAR NOT NULL,
    happened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    action VARCHAR NOT NULL,
    name VARCHAR,
    PRIMARY KEY (rater_id, happened_at, action),
    FOREIGN KEY(rater_id) REFERENCES rater (rater_id)
);
CREATE TABLE triplet_set_event (
    triplet_set_id VARCHAR NOT NULL,
    happened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    action VARCHAR NOT NULL,
    name VARCHAR,
    PRIMARY KEY (triplet_set_id, happened_at, action),
    FOREIGN KEY(triplet_set_id) REFERENCES triplet_set (triplet_set_id)
);
CREATE TABLE refit (
    embedding_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    seed INTEGER NOT NULL,
    draw INTEGER NOT NULL,
    position INTEGER NOT NULL,
    converged BOOLEAN NOT NULL,
    vector FLOAT[] NOT NULL,
    PRIMARY KEY (embedding_id, kind, seed, draw, position)
);
