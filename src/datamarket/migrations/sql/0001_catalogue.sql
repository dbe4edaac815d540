-- Search looks at the terms of many listings in a row: they stay inside the row, and more of them are counted.
ALTER TABLE listing ALTER COLUMN search SET STORAGE MAIN;
ALTER TABLE listing ALTER COLUMN search SET STATISTICS 300;
