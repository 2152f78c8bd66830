"""FHIR: Claim and ExplanationOfBenefit, as bulk NDJSON or a Bundle, read as bills and payers' answers."""
