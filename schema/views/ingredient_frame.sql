-- One row per model and alignment figure, with the model's ingredients: what `report ingredients` correlates.
-- A plain correlation: SELECT regr_count(alignment, n_params) AS n, corr(alignment, n_params) AS r FROM ingredient_frame
-- WHERE origin = 'published'. A group mean: SELECT instruction_tuned, avg(alignment), count(*) … GROUP BY ALL.
CREATE OR REPLACE VIEW ingredient_frame AS
SELECT
    score.rater_id,                                        -- key of the model
    score.rater_name,                                      -- the model
    score.origin,                                          -- published or measured
    score.metric_name,                                     -- the alignment metric with its variant
    score.reference,                                       -- what it is compared with (published: where it is printed)
    score.method,                                          -- how it was judged and fitted
    score.alignment,                                       -- the alignment figure
    model.hf_id,                                           -- id on the model hub
    model.family,                                          -- model family
    model.n_params,                                        -- parameters, in billions
    model.n_layers,                                        -- layers
    model.n_heads,                                         -- attention heads
    model.n_kv_heads,                                      -- key-value heads
    model.head_dim,                                        -- attention dimension per head
    model.n_heads * model.head_dim AS attention_dim,       -- attention dimension of all heads together
    model.hidden_size,                                     -- width of the residual stream
    model.mlp_dim,                                         -- width of the MLP
    model.vocab_size,                                      -- vocabulary
    model.context_length,                                  -- context as advertised, in tokens
    model.max_position_embeddings,                         -- context in the configuration, in tokens
    model.training_tokens,                                 -- pre-training tokens, in trillions
    model.activation,                                      -- activation as the configuration names it
    model.activation_family,                               -- swiglu, geglu, gelu, relu …
    model.attention,                                       -- mha, gqa, mqa or none
    model.architecture,                                    -- decoder, decoder-moe, encoder-decoder or ssm
    model.multimodal,                                      -- takes images too
    model.instruction_tuned,                               -- trained to follow instructions
    model.post_training_stage,                             -- base-stage1, base, sft, dpo, rlvr or it
    model.confidence,                                      -- how sure the shipped figures are: high, medium, low
    model.notes                                            -- what to know about this row
FROM alignment_score AS score
JOIN rater_shown ON rater_shown.rater_id = score.rater_id AND (NOT is_stand_in OR is_named)
JOIN model_current AS model ON model.rater_id = score.rater_id;
