"""To whose data operations of the platform reach. Photos are found by who knows their digest."""

from citybrain.http.reach import NOBODYS, PUBLIC, Rows

REACH: Rows = {
    "post_v1_photos": NOBODYS,
    "get_v1_photos_sha256": NOBODYS,
    "post_v1_photos_sha256_deletion": NOBODYS,
    "get_v1_areas": PUBLIC,
    "get_v1_places": PUBLIC,
    "get_v1_streams_stream_id_events": NOBODYS,
    "get_v1_streams_stream_id_state": NOBODYS,
    "get_v1_events": NOBODYS,
    "get_v1_log": NOBODYS,
    "get_healthz": PUBLIC,
    "get_readyz": PUBLIC,
    "get_metrics": PUBLIC,
    "get_v1_projections": NOBODYS,
    "get_v1_devices_loud": NOBODYS,
    "get_v1_sign_in": PUBLIC,
    "get_live": PUBLIC,
    "get_v1_board": NOBODYS,
    "get_v1_board_live": NOBODYS,
    "get_v1_board_exceptions": NOBODYS,
    "get_v1_board_minutes": NOBODYS,
    "get_v1_board_things": NOBODYS,
    "get_v1_board_pictures": NOBODYS,
    "get_v1_board_series": NOBODYS,
    "get_v1_board_usual": NOBODYS,
}

DEVELOPMENT_REACH: Rows = {"post_dev_token": PUBLIC, "get_well_known_jwks_json": PUBLIC}
