"""The engine: arithmetics, inputs, readings, witnesses, cells, campaigns, identification and porting."""
