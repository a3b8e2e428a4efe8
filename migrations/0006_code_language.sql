-- BCP 47, as the platform told when the code was asked for: who is let in is told so in it.
ALTER TABLE codes ADD COLUMN language TEXT;
