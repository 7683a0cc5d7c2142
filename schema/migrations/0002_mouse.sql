-- The shipped concept `mouse`, an animal, had the THINGS id and the WordNet synset of the computer mouse.
-- References that were made by them keep their vectors, and every figure against them its value: they say so from now on.
-- The shipped set is known by the digest of its words, whatever its name. Only what has the old id is changed.
UPDATE embedding
SET notes = concat_ws(
    '; ',
    notes,
    CASE WHEN source_file IS NULL
        THEN 'its mouse is the computer mouse (mouse.n.04), not the animal: `triadic ingest reference --wordnet`'
        ELSE 'if its rows were selected by THINGS id, its mouse is the computer mouse (mouse2), not the animal (mouse1): '
            '`triadic ingest reference --path FILE`'
    END || ' makes it again, under an id of its own, and `triadic align` compares with that one; '
    'figures against this one keep their values'
)
WHERE role IN ('raw', 'reference')
    AND (source_file IS NOT NULL OR (name = 'wordnet' AND algorithm = 'classical-scaling'))
    AND concept_set_id IN (
        SELECT concept_set_id
        FROM concept
        JOIN concept_set USING (concept_set_id)
        WHERE digest = '943ee713acc24830' AND word = 'mouse' AND category = 'animal' AND things_unique_id = 'mouse2'
    );
UPDATE concept
SET things_unique_id = 'mouse1'
WHERE word = 'mouse' AND category = 'animal' AND things_unique_id = 'mouse2'
    AND concept_set_id IN (SELECT concept_set_id FROM concept_set WHERE digest = '943ee713acc24830');
