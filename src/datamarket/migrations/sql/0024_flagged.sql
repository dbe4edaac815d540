-- What a snapshot took off its bases because flags were confirmed; none before this.
ALTER TABLE subsidy_snapshot ADD COLUMN flagged JSONB NOT NULL DEFAULT '[]';
ALTER TABLE subsidy_snapshot ALTER COLUMN flagged DROP DEFAULT;
