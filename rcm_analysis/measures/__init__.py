"""Measures: one function, one number, with its numerator and denominator."""

from ..ledger import ratios, suppression
from . import catalogue, comparisons
from . import coordination as contacts_not_billed
from .collections import lags, write_offs
from .collections import rates as collections
from .denials import appeals, first_pass
from .denials import rates as denials
from .denials import reasons as denial_reasons
from .engagement import appointments, care_risk, hospital_use
from .engagement import experience as patient_experience
from .engagement import worth as engagement_money
from .payers import cash_due, contract, payer_scorecard, rate_changes, underpayments
from .payers import underpayments as underpaid
from .portfolio import book as portfolio
from .portfolio import client_ratings
from .receivable import account_movements, ar, audit_trail, deadlines, delays, high_value, limits, roll_rates, secondary
from .self_pay import collections as self_pay_collections
from .self_pay import contacts as patient_contacts
from .self_pay import credits as patient_credits
from .self_pay import declines, payment_plans
from .self_pay import declines as card_networks
from .self_pay import eob_check as patient_billing
from .self_pay import eob_check as patient_sides
from .self_pay import policy as self_pay_policy
from .self_pay import quality as self_pay_quality
from .self_pay import requests as patient_requests
from .self_pay import rules as self_pay_rules

__all__ = [
    "account_movements",
    "appeals",
    "appointments",
    "ar",
    "audit_trail",
    "card_networks",
    "care_risk",
    "cash_due",
    "catalogue",
    "client_ratings",
    "collections",
    "comparisons",
    "contacts_not_billed",
    "contract",
    "deadlines",
    "declines",
    "delays",
    "denial_reasons",
    "denials",
    "engagement_money",
    "first_pass",
    "high_value",
    "hospital_use",
    "lags",
    "limits",
    "patient_billing",
    "patient_contacts",
    "patient_credits",
    "patient_experience",
    "patient_requests",
    "patient_sides",
    "payer_scorecard",
    "payment_plans",
    "portfolio",
    "rate_changes",
    "ratios",
    "roll_rates",
    "secondary",
    "self_pay_collections",
    "self_pay_policy",
    "self_pay_quality",
    "self_pay_rules",
    "suppression",
    "underpaid",
    "underpayments",
    "write_offs",
]
