"""What people look at, made of a result's tables: `visual` is the interface, and each other module makes one."""
