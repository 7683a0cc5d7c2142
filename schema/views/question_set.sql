-- One row per triplet set, with the name it goes by and whether it is asked where no other is named.
-- The main set is the one that `triadic plan --main` made so last; else the first that was drawn.
CREATE OR REPLACE VIEW question_set AS
WITH decided AS (
    SELECT
        triplet_set_id,
        arg_max(name, happened_at) FILTER (action = 'named') AS name,
        max(happened_at) FILTER (action = 'main') AS made_main
    FROM triplet_set_event
    GROUP BY triplet_set_id
),
ranked AS (
    SELECT
        triplet_set.*,
        coalesce(
            decided.name,
            concat_ws(
                '-', concept_set_id,
                CASE WHEN scheme = 'imported' THEN 'imported-' || left(triplet_set_id, 6) ELSE n_triplets::VARCHAR END,
                CASE WHEN seed <> 0 THEN 'seed' || seed END
            )
        ) AS name,
        scheme <> 'imported' OR made_main IS NOT NULL AS may_be_main,
        row_number() OVER (lab) AS place,
        row_number() OVER (of_concepts) AS place_of_concepts
    FROM triplet_set
    LEFT JOIN decided USING (triplet_set_id)
    WINDOW lab AS (ORDER BY made_main DESC NULLS LAST, scheme = 'imported', created_at, triplet_set_id),
        of_concepts AS (
            PARTITION BY concept_set_id ORDER BY made_main DESC NULLS LAST, scheme = 'imported', created_at, triplet_set_id
        )
)
SELECT
    triplet_set_id,                                        -- the triplet set
    name,                                                  -- the name it goes by
    concept_set_id,                                        -- the concepts asked about
    n_triplets,                                            -- how many triplets
    scheme,                                                -- uniform: drawn here; imported: read from a file
    seed,                                                  -- seed of the draw
    may_be_main AND place = 1 AS is_main,                  -- the lab's main set
    may_be_main AND place_of_concepts = 1 AS is_main_of_concepts, -- the main one of its concepts
    created_at                                             -- when it was drawn or read
FROM ranked;
