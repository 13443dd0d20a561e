"""OMF Curb Data Specification at `/cds`: where one may park, at what price, and what happened.

Curbs, Events and Metrics in versions 1.0 and 1.1, by the `Accept` header.
https://github.com/openmobilityfoundation/curb-data-specification  docs/systems/parking.md says what
is left out and where we are lenient. Ids are UUIDs that follow from our own codes; plates are shown
to whoever may see them in `/v1/parking`, and to nobody else.
"""
