"""What is said to people, in English and in Chinese.

Code, config and the log's events are English. A text for people is a `Message`: it is English wherever a str is wanted,
and keeps what it was made of, so that whoever shows it can say it in the reader's language (`in_language`).
"""
