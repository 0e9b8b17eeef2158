SELECT * FROM information_schema.df_settings
