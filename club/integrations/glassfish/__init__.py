"""The operator's provisioning service on GlassFish: SOAP 1.1 as its Metro stack publishes it."""

from pathlib import Path

WSDL = Path(__file__).with_name("subscriber_service.wsdl")
SERVICE, PORT = "SubscriberService", "SubscriberPort"
NAMESPACE = "urn:club:subscribers"
FAULT = f"{{{NAMESPACE}}}SubscriberFault"

UNKNOWN_REQUEST = "REQ-404"
ALREADY_ACTIVE = "SOC-409"
