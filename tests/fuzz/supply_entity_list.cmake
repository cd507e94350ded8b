hz_fuzz(supply_entity_list LIBS hz_supply)
