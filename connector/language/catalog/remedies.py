"""Why the connector is not ready and what to do: the remedies of `/readyz`, and what they quote."""

from __future__ import annotations

from typing import Final

_CONNECTOR: Final = {
    "wait: the connector joins its group and fetches a token": "请稍候：连接器正在加入消费者组并获取令牌",
    "none needed: the process was told to stop, and ends by itself": "无需处理：进程已收到停止指令，会自行结束",
    "the config of before is still in use; mend what is wrong with the new one: {error}": (
        "仍在使用原来的配置；请改正新配置中的错误：{error}"
    ),
    "the config of before is still in use; mend what is wrong with the new one: {error} ({number} in all)": (
        "仍在使用原来的配置；请改正新配置中的错误：{error}（共 {number} 处）"
    ),
    "and {more} more": "另有 {more} 处",
    "{found}: {remedy}": "{found}：{remedy}",
    "{found}; {remedy}": "{found}；{remedy}",
    "{so_far} and {part}": "{so_far} 和 {part}",
    "{so_far} or {part}": "{so_far} 或 {part}",
}
_TARGETS: Final = {
    "check whether the platform runs and can be reached: nothing is delivered ({tells}){more}": (
        "请检查平台是否正常、网络是否可达：目前没有任何数据能投递（{tells}）{more}"
    ),
    "check what the platform says to this target's items: it refuses every one, so none is dead-lettered "
    "({tells}){more}": "请查看平台对该目标数据的答复：每一条都被拒绝，因此都没有转为死信（{tells}）{more}",
    "last reply: {reply}; {tries}; {items}; next try {next_try}": (
        "最近的应答：{reply}；{tries}；{items}；下次重试：{next_try}"
    ),
    "under way": "正在进行",
    "in {seconds:.0f} s": "{seconds:.0f} 秒后",
    "{told}{more}": "{told}{more}",
    "; the config has changed since: what waits here is still sent as it was mapped. To give that up, restart: then its"
    " records are mapped anew": (
        "；此后配置已更改：这里等待的数据仍按原来的映射发送。若要放弃，请重启：这些记录会重新映射"
    ),
}
_REPLIES: Final = {
    "check app_id and app_secret; if they are right, the app may have expired: submit it for review again": (
        "请检查 app_id 和 app_secret；如果无误，可能是应用已过期：请重新提交审核"
    ),
    "check base_url: it must end in /api/open or /api/integrate, as the app's own settings show it": (
        "请检查 base_url：必须以 /api/open 或 /api/integrate 结尾，以应用设置中显示的为准"
    ),
    "grant the app this endpoint's permission in the platform's app settings": (
        "请在平台的应用设置中为该应用开通此接口的权限"
    ),
    "{remedy}: {path}: {permission}": "{remedy}：{path}：{permission}",
    "the authorization of the app is not valid: authorize it again in the platform's app settings": (
        "应用的授权无效：请在平台的应用设置中重新授权"
    ),
    "the proxy in front of the platform requires credentials: add them to HTTPS_PROXY or HTTP_PROXY": (
        "平台前的代理需要用户名和密码：请写入 HTTPS_PROXY 或 HTTP_PROXY"
    ),
    "the platform answers with a redirect, which is not followed: {remedy}": (
        "平台返回了重定向，连接器不会跟随：{remedy}"
    ),
    "HTTP {status}, a body without a code": "HTTP {status}，响应体中没有 code",
    "HTTP {status}, a body that is not a JSON object": "HTTP {status}，响应体不是 JSON 对象",
    "{reply}: the token is refused at this endpoint, and works at others": (
        "{reply}：令牌在此接口被拒绝，在其他接口有效"
    ),
    "the token was refused for another request": "令牌在另一个请求中被拒绝",
    "the exchange with {peer} failed: {kind}": "与 {peer} 通信失败：{kind}",
    "{peer} can't be reached: {reason}": "连不上 {peer}：{reason}",
    "the TLS certificate of {peer} is not trusted: {reason}": "{peer} 的 TLS 证书不受信任：{reason}",
    "it does not belong to this host": "证书不属于该主机",
    "the proxy for {peer} can't be reached": "连不上访问 {peer} 所用的代理",
    "the proxy refused to connect to {peer}": "代理拒绝连接 {peer}",
    "the name of {peer} can't be resolved": "无法解析 {peer} 的域名",
    "TLS with {peer} failed: {reason}": "与 {peer} 的 TLS 握手失败：{reason}",
    "TLS with {peer} failed": "与 {peer} 的 TLS 通信失败",
    "{peer} refused the connection": "{peer} 拒绝连接",
    "no complete reply from {peer} within {seconds:g} s": "{peer} 在 {seconds:g} 秒内没有完整的应答",
    "{peer} closed the connection before it replied": "{peer} 在应答之前关闭了连接",
    "the reply of {peer} broke off": "{peer} 的应答中途断开",
    "the reply of {peer} is not encoded as its Content-Encoding says": "{peer} 的应答与其 Content-Encoding 不符",
    "the connection to {peer} was reset": "与 {peer} 的连接被重置",
    "the connection to {peer} failed": "与 {peer} 的连接失败",
    "the reply of {peer} is not HTTP": "{peer} 的应答不是 HTTP",
    "the reply is longer than {most} MiB": "应答超过 {most} MiB",
}
_TOKENS: Final = {
    "none needed: the first token is being fetched": "无需处理：正在获取第一个令牌",
    "none needed: it is asked again until it answers": "无需处理：会一直重试，直到它应答",
    "the token endpoint answered {reply}": "令牌接口应答 {reply}",
    "{detail}, without a usable orgAccessToken": "{detail}，没有可用的 orgAccessToken",
    "check base_url": "请检查 base_url",
    "the token endpoint can't be reached: {why}": "连不上令牌接口：{why}",
    "check base_url and the network": "请检查 base_url 和网络",
    "let one process fetch, write the token to a file, and give that to the others as auth.token_file": (
        "请只让一个进程获取令牌并写入文件，其他进程用 auth.token_file 读取该文件"
    ),
    "another process seems to fetch tokens for the same app, and each new token invalidates the other's: {remedy}": (
        "似乎有别的进程在为同一个应用获取令牌，每个新令牌都会使对方的令牌失效：{remedy}"
    ),
    "the platform refuses each token that it has just issued: check in its app settings that the app is approved and "
    "has the permission of every endpoint in use; if another process fetches tokens for the same app, {remedy}": (
        "平台拒绝它刚刚签发的每一个令牌：请在应用设置中确认应用已通过审核，并已开通所用的每个接口的权限；"
        "如果有别的进程在为同一个应用获取令牌，{remedy}"
    ),
    "auth.token is empty or has characters that no token has": "auth.token 为空，或含有令牌中不会出现的字符",
    "put a valid one there": "请填写有效的令牌",
    "the platform refuses auth.token": "平台拒绝 auth.token",
    "put a valid one there, or let the connector fetch its own with app_id and app_secret": (
        "请填写有效的令牌，或者配置 app_id 和 app_secret，让连接器自己获取"
    ),
    "the token file {path} holds a token that the platform refuses": "令牌文件 {path} 中的令牌被平台拒绝",
    "the token file {path} holds no token": "令牌文件 {path} 中没有令牌",
    "the token file {path} is not a file": "令牌文件 {path} 不是普通文件",
    "the token file {path} can't be read ({why})": "无法读取令牌文件 {path}（{why}）",
    "write a valid token there": "请写入有效的令牌",
}
_KAFKA: Final = {
    "{told} (Kafka says: {said})": "{told}（Kafka 返回：{said}）",
    "{broker}: {told}": "{broker}：{told}",
    "check security.protocol, sasl.* and the ACLs of this user for the topics and the group": (
        "请检查 security.protocol、sasl.*，以及该用户对主题和消费者组的 ACL 权限"
    ),
    "check kafka.bootstrap_servers, security.protocol, and that the brokers are up": (
        "请检查 kafka.bootstrap_servers 和 security.protocol，并确认 broker 正在运行"
    ),
    "create the topic, or correct its name under `topics`; it is consumed as soon as it exists": (
        "请创建该主题，或改正 `topics` 中的名称；主题一经创建就会开始消费"
    ),
    "ssl.ca.location must name a file with the CA that signed the brokers' certificates (PEM); for a cloud whose"
    " certificate is for another name: ssl.endpoint.identification.algorithm: none": (
        "ssl.ca.location 必须指向签发 broker 证书的 CA 文件（PEM）；"
        "如果云厂商的证书是另一个域名的：ssl.endpoint.identification.algorithm: none"
    ),
    "the brokers refuse the login: check sasl.mechanism, sasl.username and sasl.password": (
        "broker 拒绝登录：请检查 sasl.mechanism、sasl.username 和 sasl.password"
    ),
    "allow this user to READ and DESCRIBE the topic (ACL)": "请授予该用户对该主题的 READ 和 DESCRIBE 权限（ACL）",
    "allow this user to READ the group (ACL): kafka.group_id, and for replays the same with .replay behind it": (
        "请授予该用户对消费者组的 READ 权限（ACL）：kafka.group_id，重放死信时还有加上后缀 .replay 的组"
    ),
    "nothing listens there (connection refused)": "该地址没有服务在监听（连接被拒绝）",
    "the name can't be resolved": "无法解析域名",
    "no connection in time: a firewall?": "连接超时：是否被防火墙拦截？",
    "not a plaintext Kafka listener: security.protocol?": "不是明文的 Kafka 监听端口：security.protocol 是否正确？",
    "it closed the connection: does it want a password? security.protocol, sasl.*": (
        "它关闭了连接：是否需要密码？请看 security.protocol、sasl.*"
    ),
    "it speaks no TLS: security.protocol?": "它不使用 TLS：security.protocol 是否正确？",
    "its certificate is signed by a CA that is not known here: ssl.ca.location": (
        "它的证书由本机不认识的 CA 签发：ssl.ca.location"
    ),
    "it takes no password: security.protocol?": "它不需要密码：security.protocol 是否正确？",
    "it does not offer this sasl.mechanism": "它不支持这个 sasl.mechanism",
    "it refuses the login: sasl.username and sasl.password?": "它拒绝登录：sasl.username 和 sasl.password 是否正确？",
    "it does not answer in time": "它没有及时应答",
    "it does not answer as a Kafka broker does": "它的应答不像 Kafka broker",
    "no broker can be reached": "连不上任何 broker",
    "it closed the connection": "它关闭了连接",
    "{server}: {found}; {remedy}": "{server}：{found}；{remedy}",
    "a bootstrap server answers, but not the brokers that it names: clients are sent on to the addresses that brokers"
    " advertise (advertised.listeners), which must be reachable from here": (
        "bootstrap server 有应答，但它给出的 broker 没有：客户端会被转到 broker 对外公布的地址"
        "（advertised.listeners），这些地址必须能从本机访问"
    ),
    "check that the brokers are up, and that this user may commit for the group (ACL: READ on group and topics);"
    " the log has the answers of the broker (commit refused, commit failed)": (
        "请确认 broker 正在运行，且该用户有权为消费者组提交位点（ACL：对组和主题的 READ）；"
        "broker 的答复见日志（commit refused、commit failed）"
    ),
    "check that the brokers are up: the group does not confirm that this process is still a member, so nothing is sent"
    " until it does, or until the process has joined the group again by itself": (
        "请确认 broker 正在运行：消费者组没有确认本进程仍是成员，因此暂不发送任何数据，"
        "直到它确认，或者本进程自行重新入组"
    ),
    "records of {topic} were deleted before they were read; restart to acknowledge": (
        "{topic} 有记录在被读取之前就被删除了；确认知晓后请重启"
    ),
    "raise max.message.bytes of topic {topic}": "请调大主题 {topic} 的 max.message.bytes",
    "set cleanup.policy=delete of topic {topic}": "请把主题 {topic} 设为 cleanup.policy=delete",
    "make topic {topic} writable for this user, or create it": "请授予该用户写入主题 {topic} 的权限，或者创建该主题",
    "wait: {step}": "请稍候：{step}",
    "wait: {step}; it takes long: {hint}": "请稍候：{step}；耗时较长：{hint}",
    "the group is dealing out its partitions": "消费者组正在分配分区",
    "does another of its members hang?": "是否有别的成员卡住了？",
    "another member of the group commits where its partitions start": "组内另一个成员正在提交其分区的起始位点",
    "does that member hang?": "那个成员是否卡住了？",
    "it is looked up where {first} starts": "正在查询 {first} 的起始位点",
    "it is looked up where {first} and {more} more start": "正在查询 {first} 等分区的起始位点（另有 {more} 个）",
    "is a broker down that leads these partitions?": "这些分区的 leader 所在的 broker 是否已停止？",
    "{cause}; {records:,} records were produced before": "{cause}；此前已写入 {records:,} 条记录",
    "allow this user to WRITE and DESCRIBE {topic} (ACL)": "请授予该用户对 {topic} 的 WRITE 和 DESCRIBE 权限（ACL）",
    "a record is larger than {topic} takes: look at its max.message.bytes": (
        "有一条记录超过了 {topic} 允许的大小：请查看它的 max.message.bytes"
    ),
    "{cause}, and the brokers make none by themselves: create it first": "{cause}，broker 也不会自动创建：请先创建",
}
_REGISTRY: Final = {
    "the schema registry at {place} {does}": "Schema Registry（{place}）{does}",
    "the schema registry at {place} answers with something that is no schema": (
        "Schema Registry（{place}）返回的内容不是 schema"
    ),
    "answers, but not as a registry": "有应答，但不像 Schema Registry",
    "check kafka.schema_registry.url": "请检查 kafka.schema_registry.url",
    "refuses the credentials (HTTP 401)": "拒绝了凭据（HTTP 401）",
    "check kafka.schema_registry.properties, basic.auth.user.info or bearer.auth.…": (
        "请检查 kafka.schema_registry.properties 中的 basic.auth.user.info 或 bearer.auth.…"
    ),
    "forbids reading schemas (HTTP 403)": "禁止读取 schema（HTTP 403）",
    "give this user the right to read all subjects": "请授予该用户读取所有 subject 的权限",
    "has no such API (HTTP 404)": "没有这个 API（HTTP 404）",
    "check kafka.schema_registry.url, which must lead to Confluent's API: with Apicurio it ends in /apis/ccompat/v7": (
        "请检查 kafka.schema_registry.url，它必须指向 Confluent 的 API：使用 Apicurio 时以 /apis/ccompat/v7 结尾"
    ),
    "answers HTTP {status}": "应答 HTTP {status}",
    "records wait until it answers otherwise": "记录会一直等待，直到它恢复正常",
    "needs a token that can't be fetched": "需要令牌，但无法获取",
    "check kafka.schema_registry.properties, bearer.auth.…, and its token endpoint": (
        "请检查 kafka.schema_registry.properties 中的 bearer.auth.…，以及它的令牌接口"
    ),
    "does not answer within {seconds:g} s": "在 {seconds:g} 秒内没有应答",
    "is it up, and is the way to it open?": "它是否在运行？网络是否畅通？",
    "has a certificate that is not trusted ({why})": "的证书不受信任（{why}）",
    "check kafka.schema_registry.properties, ssl.ca.location": (
        "请检查 kafka.schema_registry.properties 中的 ssl.ca.location"
    ),
    "does not speak TLS as expected ({why})": "的 TLS 与预期不符（{why}）",
    "check kafka.schema_registry, https or http, ssl.…": "请检查 kafka.schema_registry：https 还是 http，以及 ssl.…",
    "can't be reached ({why})": "连接不上（{why}）",
    "check kafka.schema_registry.url, and that it is up": "请检查 kafka.schema_registry.url，并确认它正在运行",
    "answers with something that is not JSON": "返回的内容不是 JSON",
    "check kafka.schema_registry.url; is a proxy or a login page in between?": (
        "请检查 kafka.schema_registry.url；中间是否有代理或登录页面？"
    ),
    "can't be asked ({why})": "无法访问（{why}）",
    "check kafka.schema_registry": "请检查 kafka.schema_registry",
}
TEXTS: Final = {**_CONNECTOR, **_TARGETS, **_REPLIES, **_TOKENS, **_KAFKA, **_REGISTRY}
