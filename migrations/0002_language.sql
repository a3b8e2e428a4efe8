-- BCP 47; null: never told, the platform's word was not known either.
ALTER TABLE people ADD COLUMN language TEXT;
