-- The rows of one frame view ({view}); $1 is the origin, $2 the metric and $3 the reference, NULL for every one.
SELECT * FROM {view}
WHERE ($1 = 'both' OR origin = $1)
    AND ($2 IS NULL OR metric_name = $2)
    AND ($3 IS NULL OR reference = $3 OR ($1 = 'both' AND origin = 'published'))
ORDER BY ALL
