// The check that nginx-hmac.conf calls. The comparison is not constant in time: njs 0.7 has none that is.
import crypto from 'crypto';

function genuine(request) {
    const headers = request.headersIn;
    const device = headers['X-Device'], timestamp = headers['X-Timestamp'], claimed = headers['X-HMAC-Signature'];
    if (!device || !timestamp || !claimed) {
        return 'no';
    }
    const mac = crypto.createHmac('sha256', 'secret-key');
    return mac.update(`${device}:${timestamp}`).digest('hex') === claimed ? 'yes' : 'no';
}

export default { genuine };
