-- A trade is its units times its price, an order too, unless the plan of its contract has terms by which both are priced.
CREATE OR REPLACE FUNCTION amount_by_plan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM contract AS c WHERE c.id = NEW.contract_id AND c.price_terms IS NOT NULL) THEN
        RAISE EXCEPTION 'the amount of % is not its units times its price: constraint "%"', NEW.id, TG_TABLE_NAME || '_amount_check'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_amount_check';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER trade_amount BEFORE INSERT OR UPDATE ON trade
    FOR EACH ROW WHEN (NEW.amount_fen <> NEW.unit_price_fen * NEW.quantity) EXECUTE FUNCTION amount_by_plan();
CREATE OR REPLACE TRIGGER trade_order_amount BEFORE INSERT OR UPDATE ON trade_order
    FOR EACH ROW WHEN (NEW.amount_fen <> NEW.unit_price_fen * NEW.quantity) EXECUTE FUNCTION amount_by_plan();
