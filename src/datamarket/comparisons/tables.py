"""Rows of yearly comparisons: what each product has earned."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from datamarket.foundation.tables import BigInteger


class ProductIncome(SQLModel, table=True):
    """Below zero where refunds of the year are more than its sales."""

    __tablename__ = "product_income"
    income_id: UUID = Field(primary_key=True, foreign_key="permitted_income.id")
    product_id: UUID = Field(primary_key=True, foreign_key="product.id")
    income_fen: int = Field(sa_type=BigInteger)
