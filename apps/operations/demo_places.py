"""Where demo devices stand and who owns them: cities with coordinates in degrees, and names."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A city: coordinates in degrees, elevation in metres."""

    city: str
    country_code: str
    latitude: float
    longitude: float
    elevation: int


PLACES = [
    Place("Barcelona", "ES", 41.3874, 2.1686, 12),
    Place("Madrid", "ES", 40.4168, -3.7038, 657),
    Place("Bilbao", "ES", 43.2630, -2.9350, 19),
    Place("Amsterdam", "NL", 52.3676, 4.9041, 1),
    Place("Haarlem", "NL", 52.3874, 4.6462, 2),
    Place("Manchester", "GB", 53.4808, -2.2426, 38),
    Place("London", "GB", 51.5072, -0.1276, 11),
    Place("Dublin", "IE", 53.3498, -6.2603, 20),
    Place("Paris", "FR", 48.8566, 2.3522, 35),
    Place("Lyon", "FR", 45.7640, 4.8357, 173),
    Place("Berlin", "DE", 52.5200, 13.4050, 34),
    Place("Munich", "DE", 48.1351, 11.5820, 519),
    Place("Vienna", "AT", 48.2082, 16.3738, 171),
    Place("Zurich", "CH", 47.3769, 8.5417, 408),
    Place("Milan", "IT", 45.4642, 9.1900, 120),
    Place("Rome", "IT", 41.9028, 12.4964, 21),
    Place("Athens", "GR", 37.9838, 23.7275, 70),
    Place("Skopje", "MK", 41.9981, 21.4254, 240),
    Place("Warsaw", "PL", 52.2297, 21.0122, 100),
    Place("Stockholm", "SE", 59.3293, 18.0686, 28),
    Place("Oslo", "NO", 59.9139, 10.7522, 23),
    Place("Reykjavik", "IS", 64.1466, -21.9426, 15),
    Place("Lisbon", "PT", 38.7223, -9.1393, 15),
    Place("Boston", "US", 42.3601, -71.0589, 43),
    Place("San Francisco", "US", 37.7749, -122.4194, 16),
    Place("Germantown", "US", 39.1732, -77.2717, 125),
    Place("Mexico City", "MX", 19.4326, -99.1332, 2240),
    Place("Bogota", "CO", 4.7110, -74.0721, 2625),
    Place("Lima", "PE", -12.0464, -77.0428, 154),
    Place("Santiago", "CL", -33.4489, -70.6693, 570),
    Place("Sao Paulo", "BR", -23.5558, -46.6396, 760),
    Place("Nairobi", "KE", -1.2921, 36.8219, 1795),
    Place("Cape Town", "ZA", -33.9249, 18.4241, 25),
    Place("Singapore", "SG", 1.3521, 103.8198, 15),
    Place("Taipei", "TW", 25.0330, 121.5654, 10),
    Place("Tokyo", "JP", 35.6762, 139.6503, 40),
    Place("Bengaluru", "IN", 12.9716, 77.5946, 920),
    Place("Sydney", "AU", -33.8688, 151.2093, 58),
    Place("Wellington", "NZ", -41.2866, 174.7756, 13),
    Place("Suva", "FJ", -18.1248, 178.4501, 6),
]
SPOTS = ["Balcony", "Garden", "Roof", "School", "Library", "Market", "Harbour", "Bridge", "Square"]
FIRST_NAMES = [
    "Ada", "Alex", "Anastasia", "Bea", "Carlos", "Diego", "Elena", "Femi", "Grace", "Hugo",
    "Ines", "Jonas", "Kaya", "Laia", "Marc", "Nuria", "Omar", "Pau", "Quim", "Rosa",
    "Sam", "Tomas", "Uma", "Vera", "Wen", "Xavi", "Yara", "Zoe",
]  # fmt: skip
