"""Who a subscriber is: number, status, tariff, language, consent."""
