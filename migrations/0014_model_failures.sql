-- The model was given up on: it was too late, or broke, also when asked once more. A call that merely ended before the
-- model's first word says nothing about the model.
alter table calls add column model_failed_at timestamptz;
