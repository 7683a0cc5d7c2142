-- One row per concept, with its vector in the main reference of its set (view main_reference); NULL where there is none.
CREATE OR REPLACE VIEW concept_in_reference AS
SELECT
    concept.concept_set_id,                                -- the concepts
    concept.position,                                      -- position of the concept in its set
    concept.word,                                          -- its word
    concept.category,                                      -- its category, where the set has them
    main_reference.reference,                              -- name of the reference
    main_reference.reference_id,                           -- the embedding of the reference
    embedding_row.vector                                   -- its coordinates there
FROM concept
LEFT JOIN main_reference ON main_reference.concept_set_id = concept.concept_set_id
LEFT JOIN embedding_row
    ON embedding_row.embedding_id = main_reference.reference_id AND embedding_row.position = concept.position;
