"""Each of Ayolinx's products: what is sent to have a charge made, and what its answer holds."""

from paygate_ayolinx.products.e_wallet import EWalletProduct
from paygate_ayolinx.products.payment_link import LinkProduct
from paygate_ayolinx.products.product import Addresses, Product
from paygate_ayolinx.products.qris import QrisProduct
from paygate_ayolinx.products.retail import RetailProduct
from paygate_ayolinx.products.virtual_account import VirtualAccountProduct

__all__ = [
    "Addresses",
    "EWalletProduct",
    "LinkProduct",
    "Product",
    "QrisProduct",
    "RetailProduct",
    "VirtualAccountProduct",
]
