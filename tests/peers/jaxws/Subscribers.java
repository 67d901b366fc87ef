package club.peer;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import javax.jws.WebMethod;
import javax.jws.WebParam;
import javax.jws.WebResult;
import javax.jws.WebService;
import javax.xml.bind.annotation.XmlElement;
import javax.xml.ws.Endpoint;

/**
 * An operator's provisioning service as a Java EE server would publish it: a request is accepted first and done
 * later (poll requestStatus), and the same requestId never switches on twice. The shape is ours; the SOAP stack is Metro's.
 *
 * What happens is chosen by the end of the number; simulators/glassfish.py keeps the same table:
 *   404 unknown subscriber, typed fault SUBS-404       503 server fault before the request is accepted
 *   409 already active, typed fault SOC-409            504 accepts, then hangs
 *   422 accepts, and refuses a moment later (SOC-422)  505 hangs, then loses the request
 *                                                      506 hangs, then accepts: the request was only late
 * A hang lasts -Dclub.hang_ms (30 s), the work -Dclub.work_ms (300 ms). GET /requests tells a test what arrived.
 */
@WebService(serviceName = "SubscriberService", portName = "SubscriberPort", targetNamespace = Subscribers.NAMESPACE)
public class Subscribers {
    static final String NAMESPACE = "urn:club:subscribers";
    private static final long HANG_MS = Long.getLong("club.hang_ms", 30_000);
    private static final long WORK_MS = Long.getLong("club.work_ms", 300);

    public static class RequestState {
        @XmlElement(required = true) public String requestId;
        @XmlElement(required = true) public String state; // ACCEPTED, DONE, REFUSED
        public String code; // of a refusal
        public String message;
    }

    private static class Request {
        final boolean isRefused;
        final long settledAtMs = System.currentTimeMillis() + WORK_MS;

        Request(boolean isRefused) {
            this.isRefused = isRefused;
        }
    }

    private final Map<String, Request> accepted = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> arrivals = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> switchedOn = new ConcurrentHashMap<>();

    @WebMethod
    @WebResult(name = "return")
    @XmlElement(required = true)
    public RequestState addService(
            @WebParam(name = "token") @XmlElement(required = true) String token,
            @WebParam(name = "msisdn") @XmlElement(required = true) String msisdn,
            @WebParam(name = "soc") @XmlElement(required = true) String soc,
            @WebParam(name = "requestId") @XmlElement(required = true) String requestId) throws SubscriberFault {
        arrivals.computeIfAbsent(requestId, ignored -> new AtomicInteger()).incrementAndGet();
        if (msisdn == null || !msisdn.matches("998\\d{9}") || msisdn.endsWith("404"))
            throw new SubscriberFault("Абонент топилмади", "SUBS-404");
        if (msisdn.endsWith("409")) throw new SubscriberFault("Хизмат аллақачон уланган", "SOC-409");
        if (msisdn.endsWith("503")) throw new IllegalStateException("provisioning is down");
        if (msisdn.endsWith("505") || msisdn.endsWith("506")) hang();
        if (msisdn.endsWith("505")) throw new IllegalStateException("the request was lost");
        Request request = new Request(msisdn.endsWith("422"));
        if (accepted.putIfAbsent(requestId, request) == null && !request.isRefused)
            switchedOn.computeIfAbsent(requestId, ignored -> new AtomicInteger()).incrementAndGet();
        if (msisdn.endsWith("504")) hang();
        return requestStatus(requestId);
    }

    @WebMethod
    @WebResult(name = "return")
    @XmlElement(required = true)
    public RequestState requestStatus(
            @WebParam(name = "requestId") @XmlElement(required = true) String requestId) throws SubscriberFault {
        Request request = accepted.get(requestId);
        if (request == null) throw new SubscriberFault("Сўров топилмади", "REQ-404");
        RequestState answer = new RequestState();
        answer.requestId = requestId;
        answer.state = "ACCEPTED";
        if (System.currentTimeMillis() >= request.settledAtMs) {
            answer.state = request.isRefused ? "REFUSED" : "DONE";
            answer.code = request.isRefused ? "SOC-422" : null;
            answer.message = request.isRefused ? "Тарифга мос эмас" : "Хизмат уланди";
        }
        return answer;
    }

    private String arrived() {
        return arrivals.entrySet().stream()
                .map(each -> String.format("{\"requestId\": \"%s\", \"arrivals\": %d, \"switchedOn\": %d}", each.getKey(),
                        each.getValue().get(), switchedOn.getOrDefault(each.getKey(), new AtomicInteger()).get()))
                .collect(Collectors.joining(", ", "{\"requests\": [", "]}"));
    }

    private static void hang() {
        try {
            Thread.sleep(HANG_MS);
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }

    /** Serves on loopback at the port given, or at any free one for 0, until the process ends. */
    public static void main(String[] arguments) throws Exception {
        Subscribers subscribers = new Subscribers();
        InetAddress loopback = InetAddress.getByName("127.0.0.1");
        HttpServer server = HttpServer.create(new InetSocketAddress(loopback, Integer.parseInt(arguments[0])), 0);
        server.setExecutor(Executors.newFixedThreadPool(16));
        Endpoint.create(subscribers).publish(server.createContext("/SubscriberService"));
        server.createContext("/requests", exchange -> {
            byte[] body = subscribers.arrived().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        System.out.printf("READY jaxws url=http://127.0.0.1:%d/SubscriberService%n", server.getAddress().getPort());
        System.out.flush();
        Thread.currentThread().join();
    }
}
