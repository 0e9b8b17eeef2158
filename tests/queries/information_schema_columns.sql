SELECT column_name, ordinal_position, is_nullable, data_type FROM information_schema.columns WHERE table_name = 'power-meter' ORDER BY ordinal_position
