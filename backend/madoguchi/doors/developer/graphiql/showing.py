"""What was sent to /graphql, part by part with its meaning, and what came back: for a developer who will send it next.

The proof is shown whole: it has been used, so that it is worth nothing any more, and `ath` is a hash of 256 random
bits. The access token is shortened all the same, although it is a sample customer's, lives for minutes and is of no
use without the key that stays on the server: what never reaches the browser cannot be copied into a chat or a log.
Source: RFC 9449 sections 4.2 and 7.1, RFC 6750 section 3, RFC 9110 section 10.2.3.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import httpx

from madoguchi.doors.developer.graphiql.as_python import as_python
from madoguchi.doors.jose import take_apart

HEADERS: Final = {
    "Content-Type": "GraphQL over HTTP：本文はJSONです。フォームや multipart は受け付けません。",
    "Accept": "GraphQLの回答の形式です。要求そのものの誤りは、HTTPの状態（400など）でも分かります。",
    "Authorization": "種類はDPoPです（Bearerは不可）。アクセストークンの寿命は5分です。ここでは途中までを示します。",
    "DPoP": "この要求だけのための証明です。トークンと結び付いた秘密鍵で署名し、要求のたびに作り直します。",
    "X-FAPI-Customer-IP-Address": "お客さまが操作しているときに、そのアドレスを付けます。自動で読むときは付けません。",
}
PROOF_HEADER: Final = {
    "typ": "DPoPの証明であることを示す、決まった値です（RFC 9449 第4.2節）。",
    "alg": "署名の方式です。ES256・PS256・EdDSAを受け付けます。",
    "jwk": "証明の公開鍵です。トークンは、この鍵に結び付いています。秘密鍵は決して入れません。",
}
PROOF_CLAIMS: Final = {
    "jti": "証明の名前です。毎回新しい乱数にします。同じものは2度と受け付けません。",
    "htm": "この証明が使えるHTTPのメソッドです。",
    "htu": "この証明が使える宛先です。? より後は含めません。",
    "iat": "作った時刻（1970年からの秒）です。60秒前から10秒先までを受け付けます。",
    "ath": "アクセストークンのSHA-256（base64url）です。ほかのトークンには使えません。",
}
ANSWER_HEADERS: Final = {
    "Content-Type": "回答の形式です。",
    "X-Request-Id": "お問い合わせ番号です。記録と結び付いています。",
    "Retry-After": "この秒数が過ぎてから、もう一度送ります。",
    "WWW-Authenticate": "トークンか証明が受け付けられなかった理由と、認可サーバーの見つけ方です（RFC 9728）。",
    "Cache-Control": "回答は、どこにも保存されません。",
}
MEANINGS: Final = {
    200: "回答がありました。null の項目があるときは、errors に理由があります。",
    400: "要求の形か、操作に誤りがあります。",
    401: "トークンか証明が受け付けられませんでした。登録が終わっていることもあります。",
    429: "回数か費用の上限に達しました。Retry-After の秒数を待ちます。",
    503: "混み合っています。Retry-After の秒数を待ちます。",
}
TOKEN_SHOWN: Final = 12
PYTHON_NOTE: Final = (
    "httpx と joserfc で動きます。アクセストークンは環境変数 ACCESS_TOKEN で、"
    "秘密鍵（JWK）のファイルは PROOF_KEY で渡します。"
)


def sent_of(request: httpx.Request, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The request as it went out, for the panel. `asked` is its body before it was written as JSON."""
    proof = take_apart(request.headers["DPoP"])
    values = {name: request.headers[name] for name in HEADERS}
    values["Authorization"] = _shortened(values["Authorization"])
    return {
        "method": request.method,
        "url": str(request.url),
        "headers": _parts(HEADERS, values),
        "proof_header": _parts(PROOF_HEADER, proof.header),
        "proof_claims": _parts(PROOF_CLAIMS, proof.claims),
        "body": json.dumps(asked, ensure_ascii=False, indent=2),
        "python": as_python(str(request.url), asked, values["X-FAPI-Customer-IP-Address"]),
        "python_note": PYTHON_NOTE,
    }


def answer_of(response: httpx.Response) -> dict[str, Any]:
    """The answer as it came: status, the headers that matter, body."""
    headers = {name: response.headers[name] for name in ANSWER_HEADERS if name in response.headers}
    return {
        "status": response.status_code,
        "meaning": MEANINGS.get(response.status_code, ""),
        "headers": _parts(ANSWER_HEADERS, headers),
        "body": response.json(),
    }


def _parts(meanings: Mapping[str, str], values: Mapping[str, Any]) -> list[dict[str, str]]:
    """Each value with its meaning, in the order of the meanings."""
    return [
        {"name": name, "value": _text(values[name]), "meaning": meaning}
        for name, meaning in meanings.items()
        if name in values
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _shortened(authorization: str) -> str:
    """DPoP and the token's beginning: enough to tell two tokens apart, far too little to use one."""
    scheme, _, token = authorization.partition(" ")
    return f"{scheme} {token[:TOKEN_SHOWN]}…（全{len(token)}文字）"
