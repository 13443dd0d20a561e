"""The development pack: made-up people, a camera that takes their pictures, and two small models.

Nothing here has ever seen a real person, and what it makes is unfit for real people.
"""
