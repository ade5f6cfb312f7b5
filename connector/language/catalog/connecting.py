"""What `check --connect` finds, and what to do."""

from __future__ import annotations

from typing import Final

_TABLE: Final = {
    "check": "检查项",
    "verdict": "结论",
    "found": "情况",
    "remedy": "处理办法",
    "{number:,} check …": "{number:,} 项检查…",
    "{number:,} checks …": "{number:,} 项检查…",
    "{number:,} check in {seconds:.1f} s: {counts}": "{number:,} 项检查，用时 {seconds:.1f} 秒：{counts}",
    "{number:,} checks in {seconds:.1f} s: {counts}": "{number:,} 项检查，用时 {seconds:.1f} 秒：{counts}",
    "what was asked answers too slowly, or a firewall drops the packets": "对方应答太慢，或者防火墙丢弃了数据包",
    "not finished within {seconds:g} s": "{seconds:g} 秒内没有完成",
    "the check itself failed: {kind}": "检查本身出错：{kind}",
    "report it: this is a mistake of ours": "请报告：这是我们的程序错误",
    "{module} is not installed": "没有安装 {module}",
}
_BROKERS: Final = {
    "it is no host:port": "不是 host:port 的形式",
    "correct kafka.bootstrap_servers": "请改正 kafka.bootstrap_servers",
    "check the name in kafka.bootstrap_servers, and this machine's DNS": (
        "请检查 kafka.bootstrap_servers 中的域名，以及本机的 DNS"
    ),
    "nothing listens there": "该地址没有服务在监听",
    "check the port in kafka.bootstrap_servers, and that the broker is up": (
        "请检查 kafka.bootstrap_servers 中的端口，并确认 broker 正在运行"
    ),
    "it can't be reached": "连接不上",
    "no connection in time": "连接超时",
    "check kafka.bootstrap_servers, firewalls and security groups; a cloud's inner address answers its own network"
    " only": ("请检查 kafka.bootstrap_servers、防火墙和安全组；云上的内网地址只能在其内网访问"),
    "an HTTP server listens there, not a Kafka broker": "监听的是 HTTP 服务，不是 Kafka broker",
    "it takes connections and says nothing": "它接受连接，但没有任何应答",
    "something listens there that is not a Kafka broker": "监听的不是 Kafka broker",
    "{told} (HTTPS)": "{told}（HTTPS）",
    "{told} ({detail})": "{told}（{detail}）",
    "see that the broker does not hang or start just now; ": "请确认 broker 没有卡住，也不是正在启动；",
    "{hangs}kafka.bootstrap_servers takes the brokers' own host:port, often 9092 or 9093, not that of a console or a"
    " proxy": (
        "{hangs}kafka.bootstrap_servers 要填 broker 自己的 host:port，端口常为 9092 或 9093，不是控制台或代理的地址"
    ),
    "it speaks TLS, and security.protocol is {protocol}": "它使用 TLS，而 security.protocol 是 {protocol}",
    "set security.protocol to SSL or SASL_SSL": "请把 security.protocol 设为 SSL 或 SASL_SSL",
    "it speaks TLS and does not answer without a certificate of the client, or is not a Kafka broker": (
        "它使用 TLS，没有客户端证书就不应答，或者它不是 Kafka broker"
    ),
    "if it asks for one: ssl.certificate.location and ssl.key.location; the row `cluster` says if it works": (
        "如果它要求客户端证书：ssl.certificate.location 和 ssl.key.location；是否成功见 `cluster` 一行"
    ),
    "this listener speaks {speaks} and {wants}, and security.protocol is {protocol}": (
        "该监听端口{speaks}，{wants}，而 security.protocol 是 {protocol}"
    ),
    "TLS": "使用 TLS",
    "no TLS": "不使用 TLS",
    "wants a password (SASL: {offers})": "需要密码（SASL：{offers}）",
    "takes no password (SASL)": "不需要密码（SASL）",
    "set security.protocol to {fitting}, or take the port of another listener": (
        "请把 security.protocol 设为 {fitting}，或改用另一个监听端口"
    ),
    "it offers the SASL mechanisms {offers}, and sasl.mechanism is {mechanism}": (
        "它支持的 SASL 机制是 {offers}，而 sasl.mechanism 是 {mechanism}"
    ),
    "set sasl.mechanism to {either}, with a user made for it": (
        "请把 sasl.mechanism 设为 {either}，并使用为该机制创建的用户"
    ),
    "a Kafka broker, {speaks}": "Kafka broker，{speaks}",
}
_CLUSTER: Final = {
    "logged in; cluster {cluster}, {brokers}": "已登录；集群 {cluster}，{brokers}",
    "the brokers refuse the login": "broker 拒绝登录",
    "check sasl.mechanism; a user may have a password for one mechanism only": (
        "请检查 sasl.mechanism；一个用户可能只为某一种机制设置了密码"
    ),
    "check sasl.mechanism, sasl.username and sasl.password; a user may have a password for one mechanism only": (
        "请检查 sasl.mechanism、sasl.username 和 sasl.password；一个用户可能只为某一种机制设置了密码"
    ),
    "TLS with the brokers fails": "与 broker 的 TLS 通信失败",
    "no broker answers the client": "没有 broker 应答客户端",
    "see the rows `broker`": "请看 `broker` 各行",
    "broker {id}, by the address that it advertises": "broker {id}，按它对外公布的地址",
    "broker {id} advertises it: {kind}": "broker {id} 对外公布了这个地址：{kind}",
    "http": "是 HTTP 服务",
    "other": "不是 Kafka broker",
    "unresolved": "无法解析",
    "refused": "连接被拒绝",
    "unreachable": "连接不上",
    "silent": "没有应答",
    "clients are sent on to the address that a broker advertises: it must be reachable from here"
    " (advertised.listeners; of a cloud, take the endpoints of this network)": (
        "客户端会被转到 broker 对外公布的地址：它必须能从本机访问（advertised.listeners；在云上请使用本网络的接入点）"
    ),
}
_RIGHTS: Final = {
    "run the check again": "请再检查一次",
    "it could not be looked at": "无法查看",
    "this user may not see it": "该用户无权查看",
    "{count}, by {pattern}": "{count}，由 {pattern} 匹配",
    "{count}; no broker leads partition {which}": "{count}；分区 {which} 没有 leader",
    "see that all brokers of the cluster are up: what is in these partitions waits": (
        "请确认集群的所有 broker 都在运行：这些分区中的数据会一直等待"
    ),
    "{count}; the brokers do not say what is allowed": "{count}；broker 没有说明权限",
    "see that this user has READ of {topic}": "请确认该用户有 {topic} 的 READ 权限",
    "{count}; this user may not read it": "{count}；该用户无权读取",
    "give this user READ of the topic {topic}": "请授予该用户主题 {topic} 的 READ 权限",
    "{count}, may be read": "{count}，可以读取",
    "{topics}, may be read": "{topics}，可以读取",
    "matches {topics} now: {shown}": "目前匹配 {topics}：{shown}",
    "matches no topic that this user may see": "没有匹配到该用户可见的主题",
    "correct the pattern, create the topic, or give this user DESCRIBE of it; it is consumed once seen": (
        "请改正该模式、创建主题，或授予该用户 DESCRIBE 权限；一旦可见就会开始消费"
    ),
    "it does not exist": "不存在",
    "give this user READ and DESCRIBE of the topic {topic}, if it exists": (
        "如果该主题存在，请授予该用户主题 {topic} 的 READ 和 DESCRIBE 权限"
    ),
    "create it (in a cloud's console where clients may not), or correct `topics`; names are case-sensitive": (
        "请创建该主题（云上若不允许客户端创建，请到控制台创建），或改正 `topics`；名称区分大小写"
    ),
    "give this user READ of the consumer group {group}": "请授予该用户消费者组 {group} 的 READ 权限",
    "{remedy}; of a cloud, the group may have to be made in the console first": (
        "{remedy}；在云上可能需要先到控制台创建消费者组"
    ),
    "this user may not use it": "该用户无权使用",
    "it does not exist yet; the brokers do not say what is allowed": "尚不存在；broker 没有说明权限",
    "{members} now; the brokers do not say what is allowed": "目前有 {members}；broker 没有说明权限",
    "see that this user has READ of the consumer group {group}": "请确认该用户有消费者组 {group} 的 READ 权限",
    "{members} now; this user may not join it and commit": "目前有 {members}；该用户无权加入并提交位点",
    "{members} now, may be joined": "目前有 {members}，可以加入",
    "it exists; the brokers do not say what is allowed": "已存在；broker 没有说明权限",
    "see that this user has WRITE of the topic {topic}": "请确认该用户有主题 {topic} 的 WRITE 权限",
    "this user may not write to it": "该用户无权写入",
    "give this user WRITE of the topic {topic}": "请授予该用户主题 {topic} 的 WRITE 权限",
    "may be written to": "可以写入",
    "give this user WRITE and DESCRIBE of the topic {topic}, and create it if it does not exist": (
        "请授予该用户主题 {topic} 的 WRITE 和 DESCRIBE 权限；如果主题不存在，请创建"
    ),
    "it does not exist, and this user may not create it": "不存在，且该用户无权创建",
    "create the topic {topic}, with retention.ms=-1 where that is allowed, and give this user WRITE of it": (
        "请创建主题 {topic}（允许的话设置 retention.ms=-1），并授予该用户 WRITE 权限"
    ),
    "it does not exist yet; the connector may create it, and will": "尚不存在；连接器有权创建，届时会自动创建",
    "{topic} is compacted: dead letters that share a key replace each other, and those without a key are refused": (
        "{topic} 启用了压缩（compact）：key 相同的死信会互相覆盖，没有 key 的会被拒绝"
    ),
    "set its cleanup.policy=delete": "请设置 cleanup.policy=delete",
    "{topic} has {limits}: dead letters are deleted then": "{topic} 设置了 {limits}：到期或超限的死信会被删除",
    "set {settings}": "请设置 {settings}",
}
_SERVERS: Final = {
    "it answers as a registry does": "应答正常，是 Schema Registry",
    "it answers as the platform does": "应答正常，是平台的接口",
    "it answers HTTP {status} with something that is no reply of the platform": (
        "应答 HTTP {status}，但内容不是平台的应答"
    ),
    "no answer in time": "没有及时应答",
    "check platform.base_url, the network's way out, and HTTPS_PROXY": (
        "请检查 platform.base_url、网络出口和 HTTPS_PROXY"
    ),
    "check platform.base_url: it must end in /api/open or /api/integrate, as the app's own settings show": (
        "请检查 platform.base_url：必须以 /api/open 或 /api/integrate 结尾，以应用设置中显示的为准"
    ),
    "fetched": "获取成功",
    "there is one; only sending shows if it is taken": "已有令牌；是否有效要到发送时才知道",
    "{told}, lives {seconds:.0f} s": "{told}，有效期 {seconds:.0f} 秒",
    "none within {seconds:g} s": "{seconds:g} 秒内没有得到令牌",
    "not fetched, because base_url does not answer as the platform would": "没有获取，因为 base_url 的应答不像平台",
    "no reply that names the platform's time": "没有带平台时间的应答",
    "differs from the platform's by {seconds:.0f} s": "与平台相差 {seconds:.0f} 秒",
    "this machine is {seconds:.0f} s ahead of the platform": "本机时间比平台快 {seconds:.0f} 秒",
    "this machine is {seconds:.0f} s behind the platform": "本机时间比平台慢 {seconds:.0f} 秒",
    "set the clock by NTP: event times that are far from the platform's are wrong there, or refused (bad_time)": (
        "请用 NTP 校时：事件时间与平台相差太大，在平台上会有误，或被拒绝（bad_time）"
    ),
    "the certificate is not trusted: {why}": "证书不受信任：{why}",
    "if an authority of your own signed it, name its file in {authority}": (
        "如果证书由自建 CA 签发，请在 {authority} 中指定其文件"
    ),
    "it does not speak TLS as expected ({why})": "TLS 与预期不符（{why}）",
    "check the port, and https or http": "请检查端口，以及 https 还是 http",
    "it can't be reached ({why})": "连接不上（{why}）",
    "check the address, and the way to it": "请检查地址和网络",
    "trusted; until when, this Python does not tell": "受信任；当前的 Python 无法得知到期时间",
    "trusted; {name} expires in {days} days": "受信任；{name} 将在 {days} 天后到期",
    "have it renewed before: from then on nothing is sent there": "请在到期前更新证书：到期后将无法向它发送",
}
TEXTS: Final = {**_TABLE, **_BROKERS, **_CLUSTER, **_RIGHTS, **_SERVERS}
