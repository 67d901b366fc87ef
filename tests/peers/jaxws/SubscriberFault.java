package club.peer;

import javax.xml.ws.WebFault;

/** The typed fault of the contract: `code` is what a program reads, the message is for people. */
@WebFault(name = "SubscriberFault", targetNamespace = Subscribers.NAMESPACE)
public class SubscriberFault extends Exception {
    private final String code;

    public SubscriberFault(String message, String code) {
        super(message);
        this.code = code;
    }

    public String getCode() {
        return code;
    }
}
