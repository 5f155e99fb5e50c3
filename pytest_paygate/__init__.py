"""What pytest is told about paygate's conformance kit. It imports nothing of paygate's."""
