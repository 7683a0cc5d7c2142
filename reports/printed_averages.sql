-- The averages over lines that Table 1 prints, by stage as the frames name it.
SELECT replace(replace(lower(stage), ' ', '_'), 'stage_1', 'stage1') AS stage, r2
FROM published_stage
WHERE lineage = 'Average'
