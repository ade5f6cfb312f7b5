"""The pages, in a real Chromium: what people see of the connector in their browser."""
