DROP FUNCTION IF EXISTS listing_stopped_by(listing, date);
