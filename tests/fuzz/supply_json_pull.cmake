hz_fuzz(supply_json_pull LIBS hz_supply)
