import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from club.integrations.espp import control_code
from club.integrations.espp.refusals import WrongControlCode

FIELDS = {
    "f_01": "901234567", "f_02": "50000.00", "f_03": "860", "f_04": "1", "f_06": "R-1",
    "f_07": "7001", "f_08": "2026-08-01T10:00:00", "f_10": "not signed", "f_11": "beepul",
    "f_12": "T-7", "f_13": "1", "f_16": "2026-08-01T09:59:58+05:00",
}  # fmt: skip
JOINED = (
    "901234567&50000.00&860&1&R-1&7001&2026-08-01T10:00:00&beepul&T-7&1&2026-08-01T09:59:58+05:00&"
)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def certificate(key, tmp_path_factory) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "beepul")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("agent") / "beepul.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return str(file)


def test_twelve_fields_are_joined_and_the_hexadecimal_md5_travels_in_base64():
    expected = base64.b64encode(hashlib.md5(JOINED.encode()).hexdigest().encode()).decode()
    assert control_code.with_md5(FIELDS) == expected
    control_code.check(FIELDS | {"f_18": expected}, way="md5")


@pytest.mark.parametrize("tag", ["f_01", "f_02", "f_07", "f_08", "f_11", "f_21"])
def test_a_changed_field_is_noticed(tag):
    signed = FIELDS | {"f_18": control_code.with_md5(FIELDS)}
    with pytest.raises(WrongControlCode):
        control_code.check(signed | {tag: "changed"}, way="md5")


@pytest.mark.parametrize("sent", ["", "Жалаб", "AAAA", "%%%"])
def test_no_code_or_a_wrong_one_is_refused_in_both_ways(sent, certificate):
    for way in ("md5", "rsa-sha1"):
        with pytest.raises(WrongControlCode):
            control_code.check(FIELDS | {"f_18": sent}, way=way, certificate=certificate)


def test_a_code_that_is_not_asked_for_is_not_looked_at():
    control_code.check(FIELDS | {"f_18": "nonsense"}, way="off")


def test_an_rsa_signature_is_verified_by_the_agents_certificate(key, certificate):
    signature = control_code.with_rsa(FIELDS, key)
    in_lines = "\n".join(signature[at : at + 60] for at in range(0, len(signature), 60))
    signed = FIELDS | {"f_18": in_lines}

    control_code.check(signed, way="rsa-sha1", certificate=certificate)
    with pytest.raises(WrongControlCode):
        control_code.check(signed | {"f_02": "1.00"}, way="rsa-sha1", certificate=certificate)


def test_another_agents_key_does_not_sign_for_this_one(certificate):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signed = FIELDS | {"f_18": control_code.with_rsa(FIELDS, stranger)}
    with pytest.raises(WrongControlCode):
        control_code.check(signed, way="rsa-sha1", certificate=certificate)


def test_without_a_certificate_on_file_a_signature_proves_nothing(key):
    signed = FIELDS | {"f_18": control_code.with_rsa(FIELDS, key)}
    with pytest.raises(WrongControlCode, match="no certificate"):
        control_code.check(signed, way="rsa-sha1")


def test_a_way_nobody_knows_is_an_error_of_configuration():
    with pytest.raises(ValueError, match="CLUB_ESPP_CONTROL_CODE"):
        control_code.check(FIELDS, way="sha256")
