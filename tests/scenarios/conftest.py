"""The scenarios borrow the peers that keep the provisioning contract."""

from tests.glassfish.conftest import java, peer, simulator

__all__ = ["java", "peer", "simulator"]
