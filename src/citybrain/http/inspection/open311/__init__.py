"""Open311 GeoReport v2: any of its clients reports street problems and follows them.

XML and JSON, form-encoded POST with `api_key`, and the specification's own error format.
https://wiki.open311.org/GeoReport_v2/  Beside it the extensions that its large clients use: pages,
`updated_after`, `extensions`, and `servicerequestupdates`
(https://github.com/mysociety/fixmystreet/wiki/Open311-FMS---Proposed-differences-to-Open311).

Contact details and comments are sealed in the vault, for a time; no answer repeats them. There
is no geocoder here: what is reported by an address alone waits for a person who finds its place.
"""
