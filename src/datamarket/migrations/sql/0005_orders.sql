-- Orders.
SELECT;
