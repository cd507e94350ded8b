hz_fuzz(supply_dpkg_status LIBS hz_supply)
