-- zh: 封存：区块首尾相接，合计等于叶子数
-- en: sealing: blocks stand on each other, and add up to the leaves
-- seen: SELECT count(*) FROM seal_block WHERE ledger_id = :ledger_id
SELECT 'block ' || number FROM (
    SELECT number, first_index, previous_root, lag(size, 1, 0::bigint) OVER chain AS size,
           lag(root, 1, sha256('')) OVER chain AS root, row_number() OVER chain AS place
      FROM seal_block WHERE ledger_id = :ledger_id WINDOW chain AS (ORDER BY number)
) AS b WHERE first_index <> size OR previous_root <> root OR number <> place
UNION ALL
SELECT 'leaves ' || leaves || ', in blocks ' || blocks FROM (
    SELECT (SELECT coalesce(sum(cardinality(ids)), 0) FROM seal_leaves WHERE ledger_id = :ledger_id) AS leaves,
           (SELECT coalesce(max(size), 0) FROM seal_block WHERE ledger_id = :ledger_id) AS blocks
) AS sums WHERE leaves <> blocks;
