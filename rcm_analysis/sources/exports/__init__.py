"""Exports of billing systems: column maps, headers, cells and values of CSV and XLSX."""
