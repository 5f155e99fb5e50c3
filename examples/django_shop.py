"""A shop on Django: `gunicorn django_shop:application`."""

import os
import re
import secrets

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from orders import CALLBACK_PATH, CONFIG, DATABASE, GATEWAY, WRONG, Orders, shown, wanted

from paygate import CallbackRequest, Paygate, PaygateError
from paygate.callbacks import WsgiCallbacks

settings.configure(
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SHOP_SECRET_KEY") or secrets.token_urlsafe(50),
)

paygate = Paygate.from_file(CONFIG)
orders = Orders(DATABASE)
callbacks = WsgiCallbacks(paygate.gateway(GATEWAY), orders.take, known=orders.known)


def order(request: HttpRequest) -> HttpResponse:
    """Take an order, and tell the buyer where to see how to pay for it."""
    try:
        charge_request = wanted(request.body)
    except WRONG as error:
        return JsonResponse({"error": str(error)}, status=422)
    reference = charge_request.reference
    orders.begin(charge_request)
    try:
        charge = paygate.create_charge(charge_request, GATEWAY)
    except PaygateError as error:
        refused = orders.failed(reference, error)
        if refused:
            status, why = refused
            return JsonResponse({"error": why}, status=status)
    else:
        orders.made(charge)
    return JsonResponse({"reference": reference, "see": f"/orders/{reference}"}, status=201)


def show(_: HttpRequest, reference: str) -> HttpResponse:
    """Tell how an order stands."""
    charge = orders.find(reference)
    return JsonResponse(shown(charge)) if charge else JsonResponse({"error": "no such order"}, status=404)


def receive(request: HttpRequest) -> HttpResponse:
    """Hand a callback over as it came. The provider has no CSRF token; it signs."""
    reply = callbacks.answer(CallbackRequest(request.method, request.path, request.headers, request.body))
    return HttpResponse(reply.body, status=reply.status, headers=reply.headers)


urlpatterns = [
    path("orders", csrf_exempt(require_POST(order))),  # a real shop's page has a CSRF token
    path("orders/<str:reference>", show),
    re_path("^" + re.escape(CALLBACK_PATH.removeprefix("/")), csrf_exempt(receive)),
]

application = get_wsgi_application()
