-- Which way a search goes depends on how frequent its terms are: more of them are counted than by default.
ALTER TABLE listing ALTER COLUMN search SET STATISTICS 300;
