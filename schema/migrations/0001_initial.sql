-- The first schema.
CREATE TABLE schema_version (
    version INTEGER PRIMARY KEY,
    name VARCHAR NOT NULL,
    triadic VARCHAR NOT NULL,
    applied_at TIMESTAMP WITH TIME ZONE NOT NULL
);
COMMENT ON TABLE schema_version IS 'Migrations this lab has been through.';
CREATE TABLE schema_views (digest VARCHAR PRIMARY KEY, applied_at TIMESTAMP WITH TIME ZONE NOT NULL);
COMMENT ON TABLE schema_views IS 'Which edition of the views this lab has.';
CREATE TABLE concept_set (
    concept_set_id VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    n_concepts INTEGER NOT NULL,
    source VARCHAR NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (concept_set_id)
);
COMMENT ON TABLE concept_set IS 'A list of concepts in a fixed order. The paper''s 128 are the default set, `things-128`.';
COMMENT ON COLUMN concept_set."concept_set_id" IS 'natural key: things-128, or a name of the user''s';
COMMENT ON COLUMN concept_set."digest" IS 'content hash of the words in order: the same name with other words is refused';
COMMENT ON COLUMN concept_set."n_concepts" IS 'how many concepts';
COMMENT ON COLUMN concept_set."source" IS 'where the words come from';
COMMENT ON COLUMN concept_set."created_at" IS 'when the set came into the lab';
CREATE TABLE concept (
    concept_set_id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    word VARCHAR NOT NULL,
    category VARCHAR,
    things_unique_id VARCHAR,
    PRIMARY KEY (concept_set_id, position),
    FOREIGN KEY(concept_set_id) REFERENCES concept_set (concept_set_id)
);
COMMENT ON TABLE concept IS 'One concept of a set.';
COMMENT ON COLUMN concept."concept_set_id" IS 'the set';
COMMENT ON COLUMN concept."position" IS '0-based: the row of this concept in every embedding of the set';
COMMENT ON COLUMN concept."word" IS 'the word shown to raters';
COMMENT ON COLUMN concept."category" IS 'category, where the set has one';
COMMENT ON COLUMN concept."things_unique_id" IS 'unique id in the THINGS database';
CREATE TABLE rater (
    rater_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    description VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (rater_id)
);
COMMENT ON TABLE rater IS 'Whoever answers triplets: people and machines are the same kind of row and take the same road.';
COMMENT ON COLUMN rater."rater_id" IS 'natural key: the model''s name in the suite, or the name the user gave';
COMMENT ON COLUMN rater."kind" IS 'llm, human, vectors (an embedding model or similarity matrix) or simulated';
COMMENT ON COLUMN rater."description" IS 'what it is, in one line';
COMMENT ON COLUMN rater."created_at" IS 'when it came into the lab';
CREATE TABLE model (
    model_id VARCHAR NOT NULL,
    rater_id VARCHAR NOT NULL,
    evidence VARCHAR NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    hf_id VARCHAR,
    revision VARCHAR,
    weights VARCHAR,
    gguf_file VARCHAR,
    prompt_style VARCHAR,
    family VARCHAR,
    n_params DOUBLE PRECISION,
    n_layers INTEGER,
    n_heads INTEGER,
    n_kv_heads INTEGER,
    head_dim INTEGER,
    hidden_size INTEGER,
    mlp_dim INTEGER,
    vocab_size INTEGER,
    context_length INTEGER,
    max_position_embeddings INTEGER,
    activation VARCHAR,
    activation_family VARCHAR,
    attention VARCHAR,
    architecture VARCHAR,
    multimodal BOOLEAN,
    instruction_tuned BOOLEAN,
    post_training_stage VARCHAR,
    training_tokens DOUBLE PRECISION,
    training_tokens_alt DOUBLE PRECISION,
    source VARCHAR,
    confidence VARCHAR,
    notes VARCHAR,
    provenance JSON NOT NULL,
    PRIMARY KEY (model_id),
    FOREIGN KEY(rater_id) REFERENCES rater (rater_id)
);
COMMENT ON TABLE model IS 'What one source says about an llm rater''s ingredients. Insert-only evidence; `model_current` is the belief.';
COMMENT ON COLUMN model."model_id" IS 'content hash of everything below except recorded_at';
COMMENT ON COLUMN model."rater_id" IS 'the rater';
COMMENT ON COLUMN model."evidence" IS 'who says so: user (given by option), checkpoint (read from its files), suite (shipped figures)';
COMMENT ON COLUMN model."recorded_at" IS 'when it was recorded';
COMMENT ON COLUMN model."hf_id" IS 'id on the model hub';
COMMENT ON COLUMN model."revision" IS 'revision of the checkpoint';
COMMENT ON COLUMN model."weights" IS 'where to load it from: hub id, folder, package:NAME or a server''s URL';
COMMENT ON COLUMN model."gguf_file" IS 'name of the GGUF file inside `weights`';
COMMENT ON COLUMN model."prompt_style" IS 'chat (its own chat template) or base (plain text with Answer:)';
COMMENT ON COLUMN model."family" IS 'model family, the random intercept of the regression';
COMMENT ON COLUMN model."n_params" IS 'parameters, in billions';
COMMENT ON COLUMN model."n_layers" IS 'layers (per stack for encoder-decoders)';
COMMENT ON COLUMN model."n_heads" IS 'attention heads';
COMMENT ON COLUMN model."n_kv_heads" IS 'key-value heads';
COMMENT ON COLUMN model."head_dim" IS 'dimensions per head';
COMMENT ON COLUMN model."hidden_size" IS 'width of the residual stream';
COMMENT ON COLUMN model."mlp_dim" IS 'width of the MLP (per expert in a mixture; d_inner of a state-space model)';
COMMENT ON COLUMN model."vocab_size" IS 'vocabulary';
COMMENT ON COLUMN model."context_length" IS 'context as advertised, in tokens';
COMMENT ON COLUMN model."max_position_embeddings" IS 'context in the configuration, in tokens';
COMMENT ON COLUMN model."activation" IS 'activation as the configuration names it';
COMMENT ON COLUMN model."activation_family" IS 'swiglu, geglu, gelu, relu …';
COMMENT ON COLUMN model."attention" IS 'mha, gqa, mqa or none';
COMMENT ON COLUMN model."architecture" IS 'decoder, decoder-moe, encoder-decoder or ssm';
COMMENT ON COLUMN model."multimodal" IS 'takes images too';
COMMENT ON COLUMN model."instruction_tuned" IS 'trained to follow instructions';
COMMENT ON COLUMN model."post_training_stage" IS 'base, base-stage1, sft, dpo, rlvr, it';
COMMENT ON COLUMN model."training_tokens" IS 'pre-training tokens, in trillions';
COMMENT ON COLUMN model."training_tokens_alt" IS 'another published count, in trillions (the notes say whose)';
COMMENT ON COLUMN model."source" IS 'where the figures of a suite row come from';
COMMENT ON COLUMN model."confidence" IS 'high, medium or low';
COMMENT ON COLUMN model."notes" IS 'what to know about this row';
COMMENT ON COLUMN model."provenance" IS 'column name → where that value comes from';
CREATE TABLE benchmark_score (
    rater_id VARCHAR NOT NULL,
    benchmark VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    scale VARCHAR NOT NULL,
    score DOUBLE PRECISION NOT NULL,
    is_primary BOOLEAN NOT NULL,
    confidence VARCHAR,
    scored_on DATE,
    PRIMARY KEY (rater_id, benchmark, source, scale),
    FOREIGN KEY(rater_id) REFERENCES rater (rater_id)
);
COMMENT ON TABLE benchmark_score IS 'One score of one rater on one benchmark. Only scores of one scale and source may enter one correlation.';
COMMENT ON COLUMN benchmark_score."rater_id" IS 'the rater';
COMMENT ON COLUMN benchmark_score."benchmark" IS 'IFEval, BBH, MATH, GPQA, MUSR, MMLU, MMLU-PRO …';
COMMENT ON COLUMN benchmark_score."source" IS 'who measured it';
COMMENT ON COLUMN benchmark_score."scale" IS 'unit of the score';
COMMENT ON COLUMN benchmark_score."score" IS 'the score';
COMMENT ON COLUMN benchmark_score."is_primary" IS 'belongs to the comparable set used by default';
COMMENT ON COLUMN benchmark_score."confidence" IS 'high, medium or low';
COMMENT ON COLUMN benchmark_score."scored_on" IS 'date of the measurement, where known';
CREATE TABLE published_alignment (
    rater_id VARCHAR NOT NULL,
    metric VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    rank INTEGER,
    PRIMARY KEY (rater_id, metric, source),
    FOREIGN KEY(rater_id) REFERENCES rater (rater_id)
);
COMMENT ON TABLE published_alignment IS 'One published alignment figure of one rater.';
COMMENT ON COLUMN published_alignment."rater_id" IS 'the rater';
COMMENT ON COLUMN published_alignment."metric" IS 'name of the metric, as in `metric.name`';
COMMENT ON COLUMN published_alignment."source" IS 'publication and table';
COMMENT ON COLUMN published_alignment."value" IS 'the figure';
COMMENT ON COLUMN published_alignment."rank" IS 'rank as printed';
CREATE TABLE published_statistic (
    analysis VARCHAR NOT NULL,
    term VARCHAR NOT NULL,
    statistic VARCHAR NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    se DOUBLE PRECISION,
    df VARCHAR,
    p VARCHAR,
    section VARCHAR NOT NULL,
    PRIMARY KEY (analysis, term, statistic)
);
COMMENT ON TABLE published_statistic IS 'One statistic of the paper''s section 4, as printed.';
COMMENT ON COLUMN published_statistic."analysis" IS 'group_test, correlation, mixed_model, benchmark, post_training or dimensionality';
COMMENT ON COLUMN published_statistic."term" IS 'what it is about';
COMMENT ON COLUMN published_statistic."statistic" IS 't, F, r, beta, R2 …';
COMMENT ON COLUMN published_statistic."value" IS 'the figure';
COMMENT ON COLUMN published_statistic."se" IS 'standard error';
COMMENT ON COLUMN published_statistic."df" IS 'degrees of freedom, as printed';
COMMENT ON COLUMN published_statistic."p" IS 'p-value, as printed';
COMMENT ON COLUMN published_statistic."section" IS 'where it stands in the paper';
CREATE TABLE published_stage (
    lineage VARCHAR NOT NULL,
    stage VARCHAR NOT NULL,
    r2 DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (lineage, stage)
);
COMMENT ON TABLE published_stage IS 'One cell of the paper''s Table 1 (post-training stages), as printed.';
COMMENT ON COLUMN published_stage."lineage" IS 'the model line as printed (Average: the printed mean)';
COMMENT ON COLUMN published_stage."stage" IS 'Base Stage 1, Base, SFT, DPO or RLVR';
COMMENT ON COLUMN published_stage."r2" IS 'Procrustes R² as printed';
CREATE TABLE published_ingredient (
    model VARCHAR NOT NULL,
    family VARCHAR,
    citation VARCHAR,
    attention VARCHAR,
    training_tokens VARCHAR,
    heads VARCHAR,
    hidden_dim VARCHAR,
    PRIMARY KEY (model)
);
COMMENT ON TABLE published_ingredient IS 'One row of the paper''s Table 3 (ingredients), as printed, wrong cells included.';
COMMENT ON COLUMN published_ingredient."model" IS 'the model''s name as printed';
COMMENT ON COLUMN published_ingredient."family" IS 'family as printed';
COMMENT ON COLUMN published_ingredient."citation" IS 'citation as printed';
COMMENT ON COLUMN published_ingredient."attention" IS 'attention type as printed';
COMMENT ON COLUMN published_ingredient."training_tokens" IS 'training tokens as printed';
COMMENT ON COLUMN published_ingredient."heads" IS 'heads as printed';
COMMENT ON COLUMN published_ingredient."hidden_dim" IS 'hidden dimension as printed';
CREATE TABLE triplet_set (
    triplet_set_id VARCHAR NOT NULL,
    concept_set_id VARCHAR NOT NULL,
    scheme VARCHAR NOT NULL,
    n_triplets INTEGER NOT NULL,
    seed INTEGER,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (triplet_set_id),
    FOREIGN KEY(concept_set_id) REFERENCES concept_set (concept_set_id)
);
COMMENT ON TABLE triplet_set IS 'Questions drawn together. The same set, scheme, number and seed give the same triplets everywhere.';
COMMENT ON COLUMN triplet_set."triplet_set_id" IS 'content hash of concept set, scheme, number and seed (or of the imported triplets)';
COMMENT ON COLUMN triplet_set."concept_set_id" IS 'the concepts asked about';
COMMENT ON COLUMN triplet_set."scheme" IS 'uniform: uniform over anchored triplets without repetition; imported: read from a file';
COMMENT ON COLUMN triplet_set."n_triplets" IS 'how many triplets';
COMMENT ON COLUMN triplet_set."seed" IS 'seed of the sampling';
COMMENT ON COLUMN triplet_set."created_at" IS 'when it was drawn';
CREATE TABLE triplet (
    triplet_set_id VARCHAR NOT NULL,
    triplet_no INTEGER NOT NULL,
    anchor INTEGER NOT NULL,
    left_item INTEGER NOT NULL,
    right_item INTEGER NOT NULL,
    PRIMARY KEY (triplet_set_id, triplet_no)
);
COMMENT ON TABLE triplet IS 'One question: which of left and right is more similar to the anchor? Bulk; positions into the concept set.';
COMMENT ON COLUMN triplet."triplet_set_id" IS 'the triplet set';
COMMENT ON COLUMN triplet."triplet_no" IS '0-based number within the set';
COMMENT ON COLUMN triplet."anchor" IS 'position of the anchor';
COMMENT ON COLUMN triplet."left_item" IS 'position of the option on the left (shown first unless a response is flipped)';
COMMENT ON COLUMN triplet."right_item" IS 'position of the option on the right';
CREATE TABLE run (
    run_id VARCHAR NOT NULL,
    stage VARCHAR NOT NULL,
    rater_id VARCHAR,
    concept_set_id VARCHAR,
    triplet_set_id VARCHAR,
    parent_run_id VARCHAR,
    config JSON NOT NULL,
    config_hash VARCHAR NOT NULL,
    seed INTEGER,
    versions JSON NOT NULL,
    git_commit VARCHAR,
    mlflow_run_id VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (run_id),
    FOREIGN KEY(rater_id) REFERENCES rater (rater_id)
);
COMMENT ON TABLE run IS 'One stage for one rater under one configuration.';
COMMENT ON COLUMN run."run_id" IS 'content hash of stage, rater, inputs, config and seed';
COMMENT ON COLUMN run."stage" IS 'judge, embed, align or report';
COMMENT ON COLUMN run."rater_id" IS 'whose answers these are (empty for a report)';
COMMENT ON COLUMN run."concept_set_id" IS 'the concepts';
COMMENT ON COLUMN run."triplet_set_id" IS 'the questions (judge runs and what follows from them)';
COMMENT ON COLUMN run."parent_run_id" IS 'the run whose rows this one read: align → embed → judge';
COMMENT ON COLUMN run."config" IS 'everything that decides the result, canonical JSON';
COMMENT ON COLUMN run."config_hash" IS 'content hash of config: equal for equal settings across raters';
COMMENT ON COLUMN run."seed" IS 'seed of the run''s one generator';
COMMENT ON COLUMN run."versions" IS 'library versions when it was first started';
COMMENT ON COLUMN run."git_commit" IS 'commit of the working copy it was started from, where there is one';
COMMENT ON COLUMN run."mlflow_run_id" IS 'its mirror in MLflow: the one cell that is filled in later';
COMMENT ON COLUMN run."created_at" IS 'when it was first started';
CREATE TABLE run_event (
    run_id VARCHAR NOT NULL,
    happened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    status VARCHAR NOT NULL,
    detail JSON NOT NULL,
    PRIMARY KEY (run_id, happened_at, status),
    FOREIGN KEY(run_id) REFERENCES run (run_id)
);
COMMENT ON TABLE run_event IS 'What happened to a run, insert-only. The newest event is its status.';
COMMENT ON COLUMN run_event."run_id" IS 'the run';
COMMENT ON COLUMN run_event."happened_at" IS 'when';
COMMENT ON COLUMN run_event."status" IS 'started, finished or failed';
COMMENT ON COLUMN run_event."detail" IS 'seconds, rows, device, or the error''s line';
CREATE TABLE response (
    run_id VARCHAR NOT NULL,
    triplet_no INTEGER NOT NULL,
    flipped BOOLEAN NOT NULL,
    repeat SMALLINT NOT NULL,
    choice VARCHAR,
    invalid_reason VARCHAR,
    raw_text VARCHAR,
    logprob_anchor DOUBLE PRECISION,
    logprob_left DOUBLE PRECISION,
    logprob_right DOUBLE PRECISION,
    prompt_hash BIGINT,
    prompt_tokens SMALLINT,
    answer_tokens SMALLINT,
    PRIMARY KEY (run_id, triplet_no, flipped, repeat)
);
COMMENT ON TABLE response IS 'One answer. Bulk: 35,000 per model and run, inserted as Parquet from the spool.';
COMMENT ON COLUMN response."run_id" IS 'the judge run';
COMMENT ON COLUMN response."triplet_no" IS 'number of the triplet in the run''s triplet set';
COMMENT ON COLUMN response."flipped" IS 'the options were shown as right, left';
COMMENT ON COLUMN response."repeat" IS '0 for the first asking, 1 for the second …';
COMMENT ON COLUMN response."choice" IS 'left: anchor and left belong together; right: anchor and right; apart: left and right do and the anchor is the odd one (odd-one-out only); NULL: no valid answer';
COMMENT ON COLUMN response."invalid_reason" IS 'why there is no choice: neither, both, refusal, truncated, empty';
COMMENT ON COLUMN response."raw_text" IS 'the text the rater gave, where it gave text';
COMMENT ON COLUMN response."logprob_anchor" IS 'ln P(naming the anchor), odd-one-out only';
COMMENT ON COLUMN response."logprob_left" IS 'ln P(naming the left option)';
COMMENT ON COLUMN response."logprob_right" IS 'ln P(naming the right option)';
COMMENT ON COLUMN response."prompt_hash" IS '64-bit BLAKE2b of the prompt as sent';
COMMENT ON COLUMN response."prompt_tokens" IS 'tokens of the prompt';
COMMENT ON COLUMN response."answer_tokens" IS 'tokens generated, or scored over all options';
CREATE TABLE embedding (
    embedding_id VARCHAR NOT NULL,
    concept_set_id VARCHAR NOT NULL,
    rater_id VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    run_id VARCHAR,
    parent_id VARCHAR,
    algorithm VARCHAR NOT NULL,
    n_dims INTEGER NOT NULL,
    effective_dims DOUBLE PRECISION,
    variance_kept DOUBLE PRECISION,
    n_train INTEGER,
    n_heldout INTEGER,
    train_loss DOUBLE PRECISION,
    heldout_loss DOUBLE PRECISION,
    heldout_accuracy DOUBLE PRECISION,
    at_chance BOOLEAN,
    converged BOOLEAN,
    source VARCHAR,
    source_file VARCHAR,
    source_bytes BIGINT,
    source_sha256 VARCHAR,
    notes VARCHAR,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (embedding_id),
    FOREIGN KEY(concept_set_id) REFERENCES concept_set (concept_set_id),
    FOREIGN KEY(rater_id) REFERENCES rater (rater_id)
);
COMMENT ON TABLE embedding IS 'An embedding of a concept set: fitted to a rater''s answers, or a reference that came from outside.';
COMMENT ON COLUMN embedding."embedding_id" IS 'content hash: of the run that fitted it, or of the source and how it was reduced';
COMMENT ON COLUMN embedding."concept_set_id" IS 'the concepts, one row each';
COMMENT ON COLUMN embedding."rater_id" IS 'whose concepts these are';
COMMENT ON COLUMN embedding."role" IS 'fitted; reference (what models are compared with); raw (a reference before reduction)';
COMMENT ON COLUMN embedding."name" IS 'short name: a reference''s name, or the algorithm and its variant';
COMMENT ON COLUMN embedding."run_id" IS 'the embed run, for a fitted embedding';
COMMENT ON COLUMN embedding."parent_id" IS 'the raw embedding a reference was reduced from';
COMMENT ON COLUMN embedding."algorithm" IS 'CKL, STE, …; for a reference: pca, classical-scaling, none';
COMMENT ON COLUMN embedding."n_dims" IS 'columns';
COMMENT ON COLUMN embedding."effective_dims" IS 'participation ratio of the covariance spectrum';
COMMENT ON COLUMN embedding."variance_kept" IS 'share of the variance the reduction kept';
COMMENT ON COLUMN embedding."n_train" IS 'answers fitted to';
COMMENT ON COLUMN embedding."n_heldout" IS 'answers held out';
COMMENT ON COLUMN embedding."train_loss" IS 'mean loss per fitted answer, nats';
COMMENT ON COLUMN embedding."heldout_loss" IS 'mean loss per held-out answer, nats';
COMMENT ON COLUMN embedding."heldout_accuracy" IS 'share of held-out answers predicted';
COMMENT ON COLUMN embedding."at_chance" IS 'the held-out answers are predicted no better than by a coin';
COMMENT ON COLUMN embedding."converged" IS 'the solver met its tolerance';
COMMENT ON COLUMN embedding."source" IS 'citation or address of a reference';
COMMENT ON COLUMN embedding."source_file" IS 'file name it was read from';
COMMENT ON COLUMN embedding."source_bytes" IS 'size of that file';
COMMENT ON COLUMN embedding."source_sha256" IS 'SHA-256 of that file';
COMMENT ON COLUMN embedding."notes" IS 'what to know before comparing with it';
COMMENT ON COLUMN embedding."created_at" IS 'when it came into the lab';
CREATE TABLE embedding_row (
    embedding_id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    vector DOUBLE PRECISION[] NOT NULL,
    PRIMARY KEY (embedding_id, position)
);
COMMENT ON TABLE embedding_row IS 'One concept''s vector. Bulk.';
COMMENT ON COLUMN embedding_row."embedding_id" IS 'the embedding';
COMMENT ON COLUMN embedding_row."position" IS 'position of the concept in its set';
COMMENT ON COLUMN embedding_row."vector" IS 'n_dims coordinates';
CREATE TABLE fit_history (
    run_id VARCHAR NOT NULL,
    restart INTEGER NOT NULL,
    step INTEGER NOT NULL,
    train_loss DOUBLE PRECISION NOT NULL,
    heldout_loss DOUBLE PRECISION,
    heldout_accuracy DOUBLE PRECISION,
    PRIMARY KEY (run_id, restart, step)
);
COMMENT ON TABLE fit_history IS 'One recorded step of a fit. Bulk.';
COMMENT ON COLUMN fit_history."run_id" IS 'the embed run';
COMMENT ON COLUMN fit_history."restart" IS '0-based restart';
COMMENT ON COLUMN fit_history."step" IS 'iteration of the solver';
COMMENT ON COLUMN fit_history."train_loss" IS 'mean loss per fitted answer, nats';
COMMENT ON COLUMN fit_history."heldout_loss" IS 'mean loss per held-out answer, nats';
COMMENT ON COLUMN fit_history."heldout_accuracy" IS 'share of held-out answers predicted';
CREATE TABLE metric (
    run_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    embedding_id VARCHAR NOT NULL,
    reference_id VARCHAR NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (run_id, name),
    FOREIGN KEY(embedding_id) REFERENCES embedding (embedding_id),
    FOREIGN KEY(reference_id) REFERENCES embedding (embedding_id)
);
COMMENT ON TABLE metric IS 'One alignment figure. Its null, interval and ceiling are draws in `metric_draw`, summed up by view `alignment`.';
COMMENT ON COLUMN metric."run_id" IS 'the align run: one embedding against one reference';
COMMENT ON COLUMN metric."name" IS 'the metric with its variant: procrustes_r2, cka_debiased, rsa_spearman_euclidean …';
COMMENT ON COLUMN metric."embedding_id" IS 'the embedding judged';
COMMENT ON COLUMN metric."reference_id" IS 'the reference it is compared with';
COMMENT ON COLUMN metric."value" IS 'the figure';
CREATE TABLE metric_draw (
    run_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    draw INTEGER NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (run_id, name, kind, draw)
);
COMMENT ON TABLE metric_draw IS 'One draw of a metric under resampling or a null. Bulk; two models'' draws with one number pair up.';
COMMENT ON COLUMN metric_draw."run_id" IS 'the align run';
COMMENT ON COLUMN metric_draw."name" IS 'the metric';
COMMENT ON COLUMN metric_draw."kind" IS 'permutation, coin_flips, ceiling, split_half, bootstrap_answers or bootstrap_concepts';
COMMENT ON COLUMN metric_draw."draw" IS '0-based number of the draw; the same number means the same resample across raters';
COMMENT ON COLUMN metric_draw."value" IS 'the metric on this draw';
