"""The care-coordination plan: report, sliders, and the live workbook."""
